/**
 * Words that describe an examination and nobody: what the option Clean Descriptors leaves of a text. Everything that is not
 * listed goes, so a name that nobody thought of cannot stay.
 */

import { lesions, structures, tissues } from '../codes.js';
import { asciiOf } from '../identity.js';

const words = `
  ct cta ctp mr mrt mri mra mrv mrs pet spect us xr cr dx rt nm topogram scout localizer localiser survey tomogram
  t1 t1w t2 t2w t2star pd pdw flair stir tse fse se gre flash vibe mprage mp2rage space cube bravo spgr fspgr lava thrive dixon
  ideal swi swan dwi dti adc trace epi asl perfusion diffusion bold fmri dce dsc mrcp haste ssfse tirm tof trufi fiesta bffe ciss
  drive propeller blade radial spiral cine rest stress inversion recovery gradient echo spin fast turbo fat sat fatsat fs spair
  spir water opp in out phase inphase outphase opposed opposedphase b0 map mapping relax r2 t2map t1map quantitative
  ax axial tra trans transverse transversal sag sagittal cor coronal obl oblique iso isotropic 2d 3d 4d mpr mip minip vr recon
  reformat reformatted thin thick slice slices volume stack helical sequence kernel soft hard sharp smooth standard std bone
  lung window angio angiography arterial venous portal portalvenous delayed late early native unenhanced enhanced contrast con
  kontrast km gd gad gadolinium post pre plain without with w wo ce nce bolus timing monitoring phase1 phase2 nativ arteriell venos
  head brain skull neck face sinus orbit orbita ear temporal pituitary spine cervical thoracic lumbar sacral thorax chest abdomen
  abdominal pelvis pelvic shoulder elbow wrist hand hip knee ankle foot leg arm whole body wholebody heart cardiac coronary breast
  prostate uterus ovary rectum kopf schadel hirn hals wirbelsaule brustkorb becken knie schulter herz lunge leber niere kopfhals
  tete cerveau crane cou foie rein poumon coeur bassin genou
  left right bilateral anterior posterior superior inferior upper lower proximal distal lateral medial supine prone ffs hfs
  routine protocol screening baseline follow followup control staging planning research study series image images scan
  dose low high ultra resolution hr lr hires lores average averaged mean sum subtraction sub derived original primary secondary
  segmentation mask label contour structure parametric motion corrected correction distortion distcor filtered norm normalized
  mm cm ms min sec kv kvp mas tr te ti fa tesla
`;

const known: ReadonlySet<string> = new Set([
  ...words.trim().split(/\s+/),
  ...[...structures, ...tissues, ...lesions].flatMap((line) =>
    line
      .split('; ')[0]
      .toLowerCase()
      .split(/[^a-z]+/),
  ),
]);

/** A measure with its unit, such as `2.5mm` or `b1000`; a bare number may be a date's or a patient's. */
const measure = /^(\d{1,3}(\.\d{1,2})?(mm|cm|ms|kv|ma|t)|b\d{1,4})$/;

/**
 * The known words of a text, in their order, in plain letters.
 *
 * @param names words that identify the patient, in small plain letters; they go also where they are known words
 */
export function cleaned(text: string, names: ReadonlySet<string>): string {
  return asciiOf(text)
    .split(/[^A-Za-z0-9.+]+/)
    .filter((word) => {
      const small = word.toLowerCase();
      return (known.has(small) && !names.has(small)) || measure.test(small);
    })
    .join(' ');
}
